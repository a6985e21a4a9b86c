# One image for every process of Headrace; docker-compose.yml says which runs what.
FROM node:22-slim AS vendor
WORKDIR /headrace
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=peer
COPY deploy/vendor.mjs deploy/
RUN npm run vendor

FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /headrace
COPY requirements.txt ./
RUN pip install --no-cache-dir --requirement requirements.txt
COPY . .
COPY --from=vendor /headrace/static/vendor static/vendor
RUN useradd --system --create-home headrace && install -d -o headrace var var/media
USER headrace
# Settings want a key; this one signs nothing and stays in the build.
RUN SECRET_KEY=no-key-for-no-session-0123456789ab python manage.py collectstatic --noinput
