package opener

import _ "confer/internal/golden" // knows -update
