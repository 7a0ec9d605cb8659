package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

// rootCommand is the tree of verbs.
func rootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "tidemark",
		Short: "A provable, encrypted copy of Kafka topics in two regions",
		Long: `tidemark keeps a provable, encrypted copy of Kafka topics in two regions and
gives any moment of it back.

Exit codes: 0 done; 1 something was found or refused; 2 wrong usage or
configuration, nothing was done; 3 something was not there, worth a retry.`,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.StringVarP(&a.configFile, "config", "c", "tidemark.yaml", "configuration `file`")
	flags.BoolVar(&a.json, "json", false, "speak JSON")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log everything")
	_ = root.MarkPersistentFlagFilename("config", "yaml", "yml")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return wrongUsage(cmd, err) })
	root.AddCommand(verbs(a)...)
	root.InitDefaultCompletionCmd() // else cobra adds it too late for markUsage
	markUsage(root)
	return root
}

// markUsage makes wrong arguments of every verb a usageError, as wrong flags
// are one already.
func markUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return wrongUsage(cmd, check(cmd, args)) }
	}
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		return wrongUsage(cmd, errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()))
	}
	if cmd.RunE == nil && cmd.HasSubCommands() {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return wrongUsage(cmd, noSuchVerb(args)) }
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	for _, c := range cmd.Commands() {
		markUsage(c)
	}
}

func noSuchVerb(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return errors.New("unknown command " + strings.Join(args, " "))
}

func wrongUsage(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err: err, help: cmd.CommandPath() + " --help"}
}

// run executes the command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := rootCommand(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	a.report(err)
	return exitCode(err)
}
