# The image is the program, the public certificate authorities and two empty
# folders. It runs as 65532, and its root file system can be read-only.
#
#   docker build --build-arg VERSION=v1.2.3 --build-arg COMMIT=$(git rev-parse HEAD) -t devicegate .

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
ARG COMMIT=
ARG DATE=
ARG PACKAGE=github.com/devicegate/devicegate/bootstrap/commands
# "certified" takes in Go's FIPS 140-3 module (docs/operate/fips.md).
ARG GOFIPS140=off
RUN CGO_ENABLED=0 GOFIPS140=${GOFIPS140} go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X ${PACKAGE}.version=${VERSION} -X ${PACKAGE}.commit=${COMMIT} -X ${PACKAGE}.date=${DATE}" \
      -o /out/devicegate . \
  && mkdir -p /out/data /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
COPY --from=build /out/devicegate /devicegate
USER 65532:65532
# /data holds the SQLite file, where there is no DATABASE_URL: mount a volume there.
ENV DATA_DIR=/data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/devicegate", "healthcheck"]
ENTRYPOINT ["/devicegate"]
CMD ["serve"]
