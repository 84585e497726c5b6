# For a build that is the same each time, name the base by its digest (docs/deploy.md, Container).
ARG BASE=python:3.12-slim
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
