package sandbox

import "fmt"

// unitSub is the n-th unit's sub. That it begins with org_ is a choice: the
// prefix is documented nowhere.
func unitSub(n int) string { return fmt.Sprintf("org_6710aa01c0ffee0%09d", 123459999+n) }

// unitsNow lists the units there are.
func (st *store) unitsNow() []unit {
	st.mu.Lock()
	defer st.mu.Unlock()
	return append([]unit(nil), st.units...)
}

// newUnit makes one more.
func (st *store) newUnit(name string) unit {
	st.mu.Lock()
	defer st.mu.Unlock()
	u := unit{unitSub(len(st.units)), name}
	st.units = append(st.units, u)
	return u
}
