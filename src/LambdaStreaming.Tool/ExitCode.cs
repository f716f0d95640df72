namespace LambdaStreaming.Tool;

/// <summary>What the program ends with, by meaning; <c>docs/cli.md</c> and <c>--help</c> list the same.</summary>
internal static class ExitCode
{
    public const int Complete = 0;
    public const int Local = 1;
    public const int Usage = 2;
    public const int FunctionError = 3;
    public const int Incomplete = 4;
    public const int ServiceError = 5;
    public const int Transport = 6;
    public const int Configuration = 7;
    public const int PayloadFormat = 8;
    public const int Interrupted = 130;
    public const int OutputClosed = 141;
    public const int Terminated = 143;

    public static IReadOnlyList<(int Code, string Meaning)> All { get; } =
    [
        (Complete, "the answer was whole (or the dry run was allowed)"),
        (Local, "something on this machine failed, e.g. the output can't be written"),
        (Usage, "the command line or the payload is wrong; nothing was sent"),
        (FunctionError, "the function failed, before or amid its answer"),
        (Incomplete, "the answer began and is not whole: cut, damaged, silent for too long, or ended by the service"),
        (ServiceError, "the service answered with an error"),
        (Transport, "no answer: no connection, or it broke or was silent too long before an answer came"),
        (Configuration, "no region, no credentials, or a profile that can't be used"),
        (PayloadFormat, "the payload is not what --json, --sse, --lines or --http asked for"),
        (Interrupted, "Ctrl-C (SIGINT)"),
        (OutputClosed, "nobody reads the output any more (a broken pipe, as after head)"),
        (Terminated, "SIGTERM"),
    ];
}
