package manage

import _ "confer/internal/golden" // knows -update
