package database

import "time"

// Within makes the store less patient.
func (s *Store) Within(patience time.Duration) *Store {
	s.opTimeout = patience
	return s
}
