// Package e2e plays whole journeys over real HTTP: a device, a person with a
// browser, an identity provider on another site, and devicegate on real stores.
//
// Most journeys run on a service in this process, whose clock the test moves;
// those about crashes and replicas run the program itself.
package e2e
