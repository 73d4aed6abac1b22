FROM python:3.11-slim-bookworm AS build
COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /bin/uv
WORKDIR /src
COPY . .
RUN uv export --locked --no-dev --extra apprise --no-emit-project --output-file requirements.txt \
 && uv venv /opt/wakeful \
 && uv pip install --python /opt/wakeful --no-cache -r requirements.txt \
 && uv pip install --python /opt/wakeful --no-cache --no-deps .

FROM python:3.11-slim-bookworm
RUN useradd --system --create-home --uid 10001 wakeful && install -d -o wakeful /data
COPY --from=build /opt/wakeful /opt/wakeful
ENV PATH=/opt/wakeful/bin:$PATH PYTHONUNBUFFERED=1 WAKEFUL_DATA_DIR=/data WAKEFUL_HOST=0.0.0.0
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"]
CMD ["wakeful", "up"]
