# FlowTrux Edge: one static binary, a user without rights, and compiled nodes. Build it from a clone:
#
#   docker build -t flowtrux-edge .
#   docker run --read-only --cap-drop ALL -p 8080:8080 -v flowtrux:/data flowtrux-edge
#
# docs/operators/install.md says more, and contrib/compose.yml starts several.

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# As `make build` and the releases: without cgo, so that the binary needs no files of a system.
RUN CGO_ENABLED=0 go build -trimpath -tags nobadger,nomysql,nopgx,nopgxregisterdefaulttypes -ldflags "-s -w" -o /out/usr/bin/caddy ./xcaddy \
	&& mkdir -p -m 0700 /state/data /state/config

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/ /
COPY --from=build --chown=65532:65532 /state/ /
COPY contrib/image/Caddyfile /etc/caddy/Caddyfile
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
USER 65532:65532
# As the user and in the environment of the server, so that it finds the code. There is no shell.
RUN ["/usr/bin/caddy", "flowtrux", "warm", "/etc/caddy/Caddyfile"]
# All state. A new volume begins with the compiled code that the image has here.
VOLUME ["/data"]
EXPOSE 8080 9180
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
	CMD ["/usr/bin/caddy", "flowtrux", "status", "--ready"]
# Longer than this takes the grace_period of the Caddyfile: stop with a timeout of 40 s or more.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/caddy"]
CMD ["run", "--config", "/etc/caddy/Caddyfile"]
