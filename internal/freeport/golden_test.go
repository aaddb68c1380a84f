package freeport

import _ "confer/internal/golden" // knows -update
