// Package doc holds the decisions (adr) and, as tests, the rules of the house: floors, library doors, tidiness.
package doc
