package markup

import _ "confer/internal/golden" // knows -update
