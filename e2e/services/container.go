package services

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// container runs k in a container. Without pull, an image that is not here is
// an error.
func (k *kind) container(ctx context.Context, pull bool) (*running, error) {
	prepareTestcontainers()
	probe, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	docker, err := testcontainers.NewDockerClientWithOpts(probe)
	if err != nil {
		return nil, fmt.Errorf("no Docker engine answers: %w", err)
	}
	defer func() { _ = docker.Close() }()
	// Run would pull on its own, which takes long to fail where no registry
	// can be reached.
	if _, err := docker.ImageInspect(probe, k.image); err != nil && !pull {
		return nil, fmt.Errorf("image %s is not here: %w", k.image, err)
	}

	options := append([]testcontainers.ContainerCustomizer{testcontainers.WithExposedPorts(k.port)}, k.options...)
	c, err := testcontainers.Run(ctx, k.image, options...)
	if err != nil {
		_ = testcontainers.TerminateContainer(c)
		return nil, fmt.Errorf("container of %s: %w", k.image, err)
	}
	dismiss, err := guard("container", c.GetContainerID())
	if err != nil {
		_ = testcontainers.TerminateContainer(c)
		return nil, err
	}
	stop := func() {
		_ = testcontainers.TerminateContainer(c, testcontainers.StopTimeout(0))
		dismiss()
	}
	addr, err := c.PortEndpoint(ctx, k.port, "")
	if err == nil {
		err = await(ctx, nil, func(ctx context.Context) error { return k.answers(ctx, addr) })
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("container of %s: %w", k.image, err)
	}
	return &running{addr: addr, stop: stop}, nil
}

// prepareTestcontainers must come before the library first reads its settings,
// and once: what it sets belongs to the whole process, and servers start in
// tests that run beside each other.
var prepareTestcontainers = sync.OnceFunc(func() {
	for name, value := range map[string]string{
		// Its own reaper is one more image to have; our guard does that work.
		"TESTCONTAINERS_RYUK_DISABLED": "true",
		// A file /.dockerenv makes the library believe that it runs in a
		// container beside the others; it then dials the default gateway. With
		// an engine on this machine, published ports are on loopback.
		"TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1",
	} {
		if _, set := os.LookupEnv(name); !set && os.Getenv("DOCKER_HOST") == "" {
			_ = os.Setenv(name, value)
		}
	}
	log.SetDefault(log.NewNoopLogger())
})

// image is the one the environment names, or else the public one.
func image(env, public string) string {
	if name := os.Getenv(env); name != "" {
		return name
	}
	return public
}
