package flow

// UpdateTranscripts tells whether -update was given.
func UpdateTranscripts() bool { return *update }
