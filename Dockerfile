# confer in a container: a static program, and a user who is not root. docs/setup.md says how the callback's port is published.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /confer .

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /tmp /tmp
COPY --from=build /confer /confer
USER 65532:65532
ENV HOME=/tmp
EXPOSE 8739
ENTRYPOINT ["/confer"]
