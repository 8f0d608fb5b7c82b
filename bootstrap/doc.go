// Package bootstrap puts devicegate together: it reads the configuration
// (Load), lets every port meet its adapter (Service) and runs the commands
// (Main). It is the only package that sees all others.
package bootstrap
