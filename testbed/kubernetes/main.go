// Command kubernetes is one binary that is each of the programs of a cluster with Argo CD, chosen by the name it is
// called by. They share nearly all of their code, so one binary takes a third of the time and space of eight.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	appcontroller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	askpass "github.com/argoproj/argo-cd/v3/cmd/argocd-git-ask-pass/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
)

func main() {
	programs := map[string]func() *cobra.Command{
		"kube-apiserver":                apiserver.NewAPIServerCommand,
		"kube-controller-manager":       controllers.NewControllerManagerCommand,
		"kube-scheduler":                func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubectl":                       kubectl.NewDefaultKubectlCommand,
		"argocd":                        askpass.NewCommand, // git asks the repo server's "argocd" for a password
		"argocd-application-controller": appcontroller.NewCommand,
		"argocd-repo-server":            reposerver.NewCommand,
	}
	name := filepath.Base(os.Args[0])
	program, ok := programs[name]
	if !ok {
		fmt.Fprintln(os.Stderr, "testbed: no program is called", name)
		os.Exit(2)
	}
	os.Exit(cli.Run(program()))
}
