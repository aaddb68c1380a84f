package callback

import _ "confer/internal/golden" // knows -update
