package testhost

import _ "confer/internal/golden" // knows -update
