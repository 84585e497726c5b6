FROM python:3.12-slim

COPY pyproject.toml README.md LICENSE constraints.txt /src/
COPY src /src/src
RUN pip install --no-cache-dir -c /src/constraints.txt "/src[serve,postgresql]" \
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
