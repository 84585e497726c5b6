"""The currencies of ISO 4217, and how many decimals their money has."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

CURRENCIES = frozenset(
    # One name a word: a list of 150 strings would fill four screens.
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
    GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW
    KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR
    MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
    SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905
)
"""The codes in use for money that pictures are paid with; no funds, metals or test codes."""

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = dict.fromkeys(_NONE.split(), 0) | dict.fromkeys(_THREE.split(), 3)


def minor_digits(currency: str) -> int:
    """Return how many decimals an amount of this currency has.

    Examples
    --------
    >>> minor_digits("USD"), minor_digits("JPY"), minor_digits("KWD")
    (2, 0, 3)
    """
    return _DIGITS.get(currency, 2)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Round an amount to what can be paid; a tie goes to the even digit (ROUND_HALF_EVEN).

    Examples
    --------
    >>> rounded(Decimal("6.748"), "USD"), rounded(Decimal("0.125"), "EUR")
    (Decimal('6.75'), Decimal('0.12'))
    """
    return amount.quantize(Decimal(1).scaleb(-minor_digits(currency)), ROUND_HALF_EVEN)


def amount(money: Decimal, currency: str) -> str:
    """Return money as people read it, without its code.

    Examples
    --------
    >>> amount(Decimal("1525.2"), "USD"), amount(Decimal("-0.001"), "USD")
    ('1,525.20', '0.00')
    """
    return f"{rounded(money, currency) + 0:,f}"


def shown(money: Decimal, currency: str) -> str:
    """Return money as people read it, with its code behind.

    Examples
    --------
    >>> shown(Decimal("6.748"), "USD")
    '6.75 USD'
    """
    return f"{amount(money, currency)} {currency}"
