from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import c2pa
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image as PillowImage

from maskworks.apps.cli import main
from maskworks.core.errors import OutputError, UsageError
from maskworks.core.provenance import SCHEME, xmp_packet
from maskworks.core.reading import Details, read_picture
from maskworks.core.values import Image, Matte
from maskworks.core.writing import Encoding, encode
from maskworks.cutouts.backgrounds import Backdrop, Plain
from maskworks.cutouts.credentials import (
    ALGORITHM,
    CERTIFICATE,
    KEY,
    RESERVE,
    current_signer,
    marked,
    sign,
    signer_from_environment,
)
from maskworks.studio.output.compose import compose_photo
from maskworks.studio.output.encoding import encode_deliverable
from maskworks.studio.output.rules import OutputRules

KINDS = {"png": "image/png", "webp": "image/webp", "tiff": "image/tiff", "jpg": "image/jpeg"}
USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def certificate(subject, issuer, key, pen, *uses):
    """Return a certificate of `key`, signed with `pen`."""
    parts = [NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME]
    names = [
        x509.Name([x509.NameAttribute(part, who) for part in parts]) for who in (subject, issuer)
    ]
    began = datetime.now(UTC) - timedelta(days=1)
    whole = (
        x509.CertificateBuilder(names[1], names[0], key.public_key(), x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=30))
        .add_extension(x509.BasicConstraints("key_cert_sign" in uses, None), critical=True)
        .add_extension(x509.KeyUsage(**{use: use in uses for use in USES}), critical=True)
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(pen.public_key())
    whole = whole.add_extension(authority, critical=False)
    mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    if "key_cert_sign" not in uses:
        whole = whole.add_extension(mail, critical=False)
    return whole.sign(pen, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A key made for these tests, and its chain of two certificates."""
    folder = tmp_path_factory.mktemp("keys")
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    chain = certificate("Signer of tests", "Authority of tests", own, authority, USES[0])
    root = certificate("Authority of tests", "Authority of tests", authority, authority, USES[5])
    (folder / "chain.pem").write_bytes(chain + root)
    (folder / "root.pem").write_bytes(root)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(own.private_bytes(pem, form, plain))
    return folder


@pytest.fixture(autouse=True)
def environment(keys, monkeypatch):
    monkeypatch.setenv(CERTIFICATE, str(keys / "chain.pem"))
    monkeypatch.setenv(KEY, str(keys / "key.pem"))
    monkeypatch.delenv(ALGORITHM, raising=False)
    current_signer.cache_clear()
    yield
    current_signer.cache_clear()


def read_back(data, form="png", *, trusted=None):
    """Return what an independent reader makes of a file's credentials."""
    settings = c2pa.Settings.from_dict({})
    if trusted is not None:
        settings = c2pa.Settings.from_dict({"trust": {"trust_anchors": trusted.read_text()}})
    with c2pa.Context(settings) as context:
        reader = c2pa.Reader(KINDS[form], BytesIO(data), context=context)
        return json.loads(reader.json())


@pytest.fixture
def picture(rng):
    image = Image(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8))
    return lambda form: encode(image, None, Encoding(form), Details(format=""))


@pytest.mark.parametrize("form", KINDS)
def test_credentials_are_verified_by_another_reader(picture, keys, form):
    plain = picture(form)
    data = sign(plain, form, "composite", signer_from_environment())
    assert (read_picture(data).image.pixels == read_picture(plain).image.pixels).all()
    found = read_back(data, form, trusted=keys / "root.pem")
    assert found["validation_state"] == "Trusted"
    mine = found["manifests"][found["active_manifest"]]
    actions = mine["assertions"][0]["data"]["actions"]
    assert [one["action"] for one in actions] == ["c2pa.created", "c2pa.edited"]
    assert actions[0]["digitalSourceType"] == f"{SCHEME}composite"
    assert mine["signature_info"]["common_name"] == "Signer of tests"
    assert "thumbnail" not in json.dumps(found)
    assert len(data) - len(plain) < RESERVE


def test_a_key_nobody_trusts_is_valid_and_said_to_be_untrusted(picture):
    found = read_back(sign(picture("png"), "png", "composite", signer_from_environment()))
    assert found["validation_state"] == "Valid"
    assert [each["code"] for each in found["validation_status"]] == ["signingCredential.untrusted"]


def test_a_picture_changed_after_signing_is_found_out(picture):
    data = bytearray(sign(picture("jpg"), "jpg", "composite", signer_from_environment()))
    data[-20] ^= 1
    found = read_back(bytes(data), "jpg")
    assert found["validation_state"] == "Invalid"
    assert "assertion.dataHash.mismatch" in [each["code"] for each in found["validation_status"]]


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        pytest.param(CERTIFICATE, None, f"name a PEM file with {CERTIFICATE}", id="no-chain"),
        pytest.param(KEY, "nowhere.pem", "cannot be read", id="no-key"),
        pytest.param(ALGORITHM, "rot13", "is 'rot13'; it is one of es256", id="algorithm"),
    ],
)
def test_a_missing_key_is_said_before_anything_is_cut_out(
    monkeypatch, tmp_path, capsys, variable, value, message
):
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=message):
        signer_from_environment()
    photo = tmp_path / "a.png"
    PillowImage.new("RGB", (20, 20)).save(photo)
    words = ["cutout", str(photo), "-o", str(tmp_path / "out"), "--provenance", "c2pa"]
    assert main(words) == 2
    assert message.split(";")[0] in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_key_that_does_not_fit_is_named(picture):
    signer = replace(signer_from_environment(), key="no key")
    with pytest.raises(OutputError, match="cannot be signed"):
        sign(picture("png"), "png", "composite", signer)


@pytest.mark.parametrize("form", KINDS)
def test_deliverables_say_how_they_were_made(rng, form):
    image = Image(rng.integers(0, 256, (60, 60, 3), np.uint8))
    matte = Matte(np.pad(np.ones((40, 40), np.float32), 10))
    wall = Backdrop(image, "trainedAlgorithmicMedia")
    made = {}
    for provenance in ("none", "xmp", "c2pa"):
        rules = OutputRules.model_validate({"size": 60, "format": form, "provenance": provenance})
        done = compose_photo(image, image, matte, rules, wall)
        file = encode_deliverable(done, rules, Details(format="JPEG"), wall)
        made[provenance] = file.data
    term = "compositeWithTrainedAlgorithmicMedia"
    stated = {name: read_picture(data).details.source_type for name, data in made.items()}
    assert stated == {"none": None, "xmp": term, "c2pa": term}
    assert read_back(made["c2pa"], form)["validation_state"] == "Valid"
    assert b"jumb" not in made["xmp"]


def test_credentials_count_in_the_bytes_a_deliverable_may_have(rng):
    image = Image(rng.integers(0, 256, (200, 200, 3), np.uint8))
    fields = {"size": 200, "format": "jpg", "provenance": "c2pa", "min_quality": 1}
    rules = OutputRules.model_validate(fields | {"max_bytes": 60_000, "quality": 100})
    matte = Matte(np.ones((200, 200), np.float32))
    done = compose_photo(image, image, matte, rules, Plain((255, 255, 255)))
    file = encode_deliverable(done, rules, Details(format="JPEG"))
    assert len(file.data) <= 60_000
    assert read_back(file.data, "jpg")["validation_state"] == "Valid"


def test_a_colour_behind_the_subject_is_no_second_part():
    encoding, details = Encoding("png"), Details(format="JPEG")
    plain = marked(encoding, "xmp", details, Plain((255, 255, 255)))
    assert plain.source_type == "algorithmicallyEnhanced"
    assert marked(encoding, "none", details, None).source_type is None


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_cutout_marks_its_outputs_if_asked(tmp_path, suffix):
    rows, columns = np.mgrid[:90, :120]
    disc = np.hypot(rows - 45, columns - 60) < 30
    photo = tmp_path / "disc.jpg"
    pixels = (np.stack([disc * 200] * 3, 2) + 20).astype(np.uint8)
    exif = PillowImage.Exif()
    exif[0x8825] = {1: "N"}
    exif[0x013B] = "A. Photographer"
    term = xmp_packet("trainedAlgorithmicMedia")
    PillowImage.fromarray(pixels).save(photo, exif=exif, xmp=term)
    out = [tmp_path / f"{at}.{suffix}" for at in range(3)]
    cut = ["cutout", str(photo), "--refine", "off", "--quiet", "--threads", "1", "-o"]
    assert main([*cut, str(out[0])]) == 0
    assert main([*cut, str(out[1]), "--provenance", "xmp"]) == 0
    assert main([*cut, str(out[2]), "--provenance", "c2pa"]) == 0
    plain, told, signed = (path.read_bytes() for path in out)
    assert read_picture(plain).details.source_type is None
    assert read_picture(told).details.source_type == "trainedAlgorithmicMedia"
    assert read_back(signed, suffix)["validation_state"] == "Valid"
    for data in (plain, told, signed):
        assert b"Photographer" not in data
