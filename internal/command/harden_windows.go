package command

// noCore: Windows Error Reporting writes dumps by its own settings, which are
// the administrator's.
func noCore() {}
