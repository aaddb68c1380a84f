package profiles

import _ "confer/internal/golden" // knows -update
