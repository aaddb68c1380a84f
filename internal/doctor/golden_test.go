package doctor

import _ "confer/internal/golden" // knows -update
