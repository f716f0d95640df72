namespace LambdaStreaming;

/// <summary>The values of <see cref="InvokeComplete.ErrorCode"/> that Lambda itself is known to give. The set is open: a function or its runtime may give any text.</summary>
/// <remarks>Compare with these, and treat any other value as an error of the function.</remarks>
public static class FunctionErrorCodes
{
    // Source: aws/aws-lambda-runtime-interface-emulator, directinvoke.go and fatalerror.go, and what clients have seen.

    /// <summary>The function threw, or its process ended; <see cref="InvokeComplete.ErrorDetails"/> says more.</summary>
    public const string Unhandled = "Unhandled";

    /// <summary>The function's process ended.</summary>
    public const string RuntimeExitError = "Runtime.ExitError";

    /// <summary>The runtime's connection broke in the middle of the answer: what came is only its beginning.</summary>
    public const string RuntimeTruncatedResponse = "Runtime.TruncatedResponse";

    /// <summary>There is no bootstrap or handler to start.</summary>
    public const string RuntimeInvalidEntrypoint = "Runtime.InvalidEntrypoint";

    /// <summary>The runtime failed in a way that has no name.</summary>
    public const string RuntimeUnknown = "Runtime.Unknown";

    /// <summary>The answer is over the service's limit of size; it was cut there, after as many bytes were delivered.</summary>
    public const string FunctionResponseSizeTooLarge = "Function.ResponseSizeTooLarge";

    /// <summary>The function failed in a way that has no name.</summary>
    public const string FunctionUnknown = "Function.Unknown";

    /// <summary>The function ran into its timeout.</summary>
    public const string SandboxTimedout = "Sandbox.Timedout";

    /// <summary>The function ran into its timeout while its answer was being passed on.</summary>
    public const string SandboxTimeout = "Sandbox.Timeout";

    /// <summary>The execution environment failed while the answer was being passed on.</summary>
    public const string SandboxFailure = "Sandbox.Failure";

    /// <summary>An extension of the function failed to initialize.</summary>
    public const string ExtensionInitError = "Extension.InitError";

    /// <summary>An extension of the function ended.</summary>
    public const string ExtensionExitError = "Extension.ExitError";

    /// <summary>An extension of the function crashed.</summary>
    public const string ExtensionCrash = "Extension.Crash";

    /// <summary>An extension of the function could not be started.</summary>
    public const string ExtensionLaunchError = "Extension.LaunchError";
}
