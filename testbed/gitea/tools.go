//go:build tools

// Package gitea pins the Gitea server, a real Git host for the tests.
package gitea

import _ "code.gitea.io/gitea"
