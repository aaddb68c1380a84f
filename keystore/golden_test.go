package keystore

import _ "confer/internal/golden" // knows -update
