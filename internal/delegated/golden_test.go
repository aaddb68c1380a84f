package delegated

import _ "confer/internal/golden" // knows -update
