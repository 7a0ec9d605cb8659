package main

import "github.com/spf13/cobra"

// verbs lists every verb; cobra adds help and completion.
func verbs(a *app) []*cobra.Command {
	return []*cobra.Command{
		initCommand(a), archiveCommand(a), verifyCommand(a), restoreCommand(a), marksCommand(a), catCommand(a), findCommand(a), stateCommand(a),
		healCommand(a), rollupCommand(a), keysCommand(a), inspectCommand(a), doctorCommand(a), drillCommand(a), demoCommand(a), benchCommand(a), planCommand(a), versionCommand(a),
	}
}
