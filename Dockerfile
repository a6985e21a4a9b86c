# One image for every process of Headrace; docker-compose.yml says which runs what. Read, not built: see docs/compose.md.
FROM node:22-slim AS vendor
WORKDIR /headrace
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev --omit=peer
COPY deploy/vendor.mjs deploy/
RUN npm run vendor

FROM python:3.12-slim AS packages
RUN python -m venv /venv
COPY requirements.txt ./
RUN /venv/bin/pip install --no-cache-dir --requirement requirements.txt

FROM python:3.12-slim
# setpriv, by which ffmpeg and workers die with who started them, is part of util-linux, which the base has.
RUN useradd --system --uid 10001 --create-home headrace
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/venv/bin:$PATH
WORKDIR /headrace
COPY --from=packages /venv /venv
COPY . .
COPY --from=vendor /headrace/static/vendor static/vendor
# Volumes begin with the owner that their folders have here; the rest of the file system can't be written.
RUN install -d -o headrace var var/media var/work var/cuda
USER headrace
# Settings want a key; this one signs nothing and stays in the build.
RUN SECRET_KEY=no-key-for-no-session-0123456789ab python manage.py collectstatic --noinput
