package flow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
)

// TestAdviceWhereTheLinkDidNothing comes when the watch has ended or has gone on
// for a minute with no profile, and names the likely reasons in their order.
func TestAdviceWhereTheLinkDidNothing(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		proof flow.Proof
		after time.Duration
		want  bool
	}{
		"at first":       {flow.Proof{Since: begun, Tally: flow.Tally{Read: 3, Missing: 3}}, 30 * time.Second, false},
		"after a minute": {flow.Proof{Since: begun, Tally: flow.Tally{Read: 3, Missing: 2, Errors: 1}}, time.Minute, true},
		"at the end":     {flow.Proof{Done: true, Tally: flow.Tally{Read: 3, Missing: 3}}, 0, true},
		"one is there":   {flow.Proof{Done: true, Tally: flow.Tally{Read: 3, Missing: 2, Connected: 1}}, time.Hour, false},
		"errors alone":   {flow.Proof{Done: true, Tally: flow.Tally{Read: 3, Errors: 3}}, time.Hour, false},
		"nothing read":   {flow.Proof{Since: begun}, time.Hour, false},
	} {
		require.Equal(t, c.want, flow.State{Proof: c.proof}.NothingYet(begun.Add(c.after)), name)
	}
	for _, p := range append(cronofy.Providers(), "", "some_provider") {
		advice := strings.Join(flow.WhatToCheck(site(t), p), "\n")
		last := -1
		for _, part := range []string{"e-mail address", "provisioned through this calendar service account", "(Germany)", "app", "CONFER_OU_LINK_TOKEN_PARAM"} {
			at := strings.Index(advice, part)
			require.Greater(t, at, last, "%s: %s", p, part)
			last = at
		}
	}
}
