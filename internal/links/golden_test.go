package links

import _ "confer/internal/golden" // knows -update
