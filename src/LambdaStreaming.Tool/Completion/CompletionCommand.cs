using System.CommandLine;

namespace LambdaStreaming.Tool.Completion;

/// <summary>The command <c>completion</c>, which prints the completion script of a shell.</summary>
/// <remarks>The script calls this program with a <c>[suggest]</c> directive.</remarks>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, string> Scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = """
            # lambda-stream completion for bash. In ~/.bashrc: eval "$(lambda-stream completion bash)"
            _lambda_stream() {
              # Not compgen -W, which expands its words: names of profiles can contain any text.
              local word="${COMP_WORDS[COMP_CWORD]}" item
              COMPREPLY=()
              while IFS= read -r item; do
                [[ $item == "$word"* ]] && COMPREPLY+=("$(printf %q "$item")")
              done < <(lambda-stream "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
            }
            complete -o default -F _lambda_stream lambda-stream

            """,
        ["zsh"] = """
            # lambda-stream completion for zsh. In ~/.zshrc, after compinit: eval "$(lambda-stream completion zsh)"
            _lambda_stream() {
              local -a suggestions
              suggestions=("${(@f)$(lambda-stream "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
              suggestions=(${suggestions:#})
              if (( ${#suggestions} )); then compadd -- "${suggestions[@]}"; else _files; fi
            }
            compdef _lambda_stream lambda-stream

            """,
        ["fish"] = """
            # lambda-stream completion for fish. In ~/.config/fish/config.fish: lambda-stream completion fish | source
            complete -c lambda-stream -a '(lambda-stream "[suggest:"(commandline -C)"]" (commandline -p) 2>/dev/null)'

            """,
        ["pwsh"] = """
            # lambda-stream completion for PowerShell. In $PROFILE: lambda-stream completion pwsh | Out-String | Invoke-Expression
            Register-ArgumentCompleter -Native -CommandName lambda-stream -ScriptBlock {
              param($word, $line, $position)
              lambda-stream "[suggest:$position]" "$line" 2>$null | Where-Object { $_ -like "$word*" } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
            }

            """,
    };

    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "The shell" };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        var command = new Command(
            "completion",
            "Prints a completion script for a shell. The first line of the script states where to install it.")
        {
            shell,
        };
        command.SetAction(
            parsed => parsed.InvocationConfiguration.Output.Write(Scripts[parsed.GetRequiredValue(shell)]));
        return command;
    }
}
