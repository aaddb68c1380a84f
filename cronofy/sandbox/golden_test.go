package sandbox

import _ "confer/internal/golden" // knows -update
