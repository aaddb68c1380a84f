package atomicfile

import _ "confer/internal/golden" // knows -update
