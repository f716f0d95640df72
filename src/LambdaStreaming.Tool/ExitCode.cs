namespace LambdaStreaming.Tool;

/// <summary>The exit codes of the program.</summary>
/// <remarks><c>docs/cli.md</c> and <c>--help</c> list the same meanings.</remarks>
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
        (Complete, "the response is complete (or the dry run succeeded)"),
        (Local, "a failure on this machine, e.g. the output cannot be written"),
        (Usage, "the command line or the payload is invalid; nothing was sent"),
        (FunctionError, "the function failed, before or during its response"),
        (
            Incomplete,
            "the response started but is incomplete: truncated, corrupt, idle for too long, or ended by the service"),
        (ServiceError, "the service returned an error"),
        (Transport, "no response: the connection could not be made, broke, or was idle for too long"),
        (Configuration, "no region, no credentials, or a profile that cannot be used"),
        (PayloadFormat, "the payload does not have the format that --json, --sse, --lines or --http requires"),
        (Interrupted, "Ctrl-C (SIGINT)"),
        (OutputClosed, "the reader of the output closed the pipe, e.g. head"),
        (Terminated, "SIGTERM"),
    ];
}
