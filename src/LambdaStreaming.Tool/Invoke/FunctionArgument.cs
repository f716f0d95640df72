using System.CommandLine;
using System.CommandLine.Parsing;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>The function: the argument <c>FUNCTION</c>, or <c>--function-name</c> as for the AWS CLI.</summary>
internal sealed class FunctionArgument
{
    private readonly Argument<string?> _argument = new("FUNCTION")
    {
        Description = "The function: a name, a partial ARN or an ARN, each with or without :qualifier",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _option = new("--function-name")
    {
        Hidden = true,
        Description = "The spelling of the AWS CLI for FUNCTION",
    };

    public void AddTo(Command command)
    {
        command.Add(_argument);
        command.Add(_option);
        OptionValidators.RequireText(_option);
        command.Validators.Add(Validate);
    }

    /// <exception cref="ToolException">The name is blank.</exception>
    public string GetName(ParseResult parsed)
    {
        var name = parsed.GetValue(_argument) ?? parsed.GetValue(_option);
        return string.IsNullOrWhiteSpace(name) ? throw ToolException.Usage("The function name is blank.") : name;
    }

    private void Validate(CommandResult result)
    {
        var argument = result.GetValue(_argument);
        var isOption = result.GetResult(_option) is not null;

        // The parser takes an unknown option for the function.
        if (argument?.StartsWith("--", StringComparison.Ordinal) == true)
        {
            var suggestion = Suggestions.Get(argument, result);
            result.AddError($"Unrecognized option '{argument}'.{(suggestion is null ? "" : $" {suggestion}")}");
        }
        else if (argument is null && !isOption)
        {
            result.AddError($"The function is missing: lambda-stream {result.Command.Name} FUNCTION");
        }
        else if (argument is not null && isOption)
        {
            result.AddError(
                $"FUNCTION ('{argument}') and --function-name cannot be used together. If '{argument}' is the file for "
                + $"the response, use --output {ShellText.Quote(argument)}.");
        }
    }
}
