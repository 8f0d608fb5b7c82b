// Package config reads the settings of the environment and of files, and makes
// the configuration of each adapter from them. Names of settings stand here
// alone; what is wrong with a value is the adapter's or the domain's to say.
package config
