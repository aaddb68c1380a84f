package cronofy

import _ "confer/internal/golden" // knows -update
