# 3.12.14 on Debian trixie; a newer one by its digest: docs/deploy.md, Container.
ARG BASE=python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea
FROM ${BASE}

COPY pyproject.toml README.md LICENSE requirements/serve.lock /src/
COPY src /src/src
RUN pip install --no-cache-dir --require-hashes -r /src/serve.lock \
    && pip install --no-cache-dir --no-deps --no-build-isolation "/src[serve,postgresql]" \
    && rm -rf /src \
    && useradd --system --uid 10001 --create-home maskworks \
    && install -d -o maskworks /data

USER 10001
ENV MASKWORKS_HOME=/data/models
VOLUME /data
EXPOSE 7000
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7000/readyz')"]
ENTRYPOINT ["maskworks"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data"]
