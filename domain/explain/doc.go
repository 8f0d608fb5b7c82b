// Package explain tells administrators why a response of an identity provider was
// accepted or refused: the checks of the verifier, each with its outcome, and the
// likely cause of what failed in the words of the product that sent it.
package explain
