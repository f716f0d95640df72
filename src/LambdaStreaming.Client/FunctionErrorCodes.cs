namespace LambdaStreaming;

/// <summary>The known values of <see cref="InvokeComplete.ErrorCode"/> that Lambda itself sets.</summary>
/// <remarks>
/// The set is open: a function or its runtime can set any text. Treat an unknown value as an error of the function.
/// </remarks>
public static class FunctionErrorCodes
{
    // Source: aws/aws-lambda-runtime-interface-emulator, directinvoke.go and fatalerror.go, and values that clients
    // have received.

    /// <summary>The function threw an exception, or its process exited.</summary>
    /// <remarks><see cref="InvokeComplete.ErrorDetails"/> describes the error.</remarks>
    public const string Unhandled = "Unhandled";

    /// <summary>The process of the function exited.</summary>
    public const string RuntimeExitError = "Runtime.ExitError";

    /// <summary>The connection of the runtime broke during the response, so that the response is incomplete.</summary>
    public const string RuntimeTruncatedResponse = "Runtime.TruncatedResponse";

    /// <summary>The function does not have a bootstrap or handler that can be started.</summary>
    public const string RuntimeInvalidEntrypoint = "Runtime.InvalidEntrypoint";

    /// <summary>The runtime failed with an error that does not have a name.</summary>
    public const string RuntimeUnknown = "Runtime.Unknown";

    /// <summary>The response exceeds the service's size limit and was truncated at that limit.</summary>
    /// <remarks>The bytes before the limit were delivered.</remarks>
    public const string FunctionResponseSizeTooLarge = "Function.ResponseSizeTooLarge";

    /// <summary>The function failed with an error that does not have a name.</summary>
    public const string FunctionUnknown = "Function.Unknown";

    /// <summary>The function exceeded its timeout.</summary>
    public const string SandboxTimedout = "Sandbox.Timedout";

    /// <summary>The function exceeded its timeout while its response was being forwarded.</summary>
    public const string SandboxTimeout = "Sandbox.Timeout";

    /// <summary>The execution environment failed while the response was being forwarded.</summary>
    public const string SandboxFailure = "Sandbox.Failure";

    /// <summary>An extension of the function failed to initialize.</summary>
    public const string ExtensionInitError = "Extension.InitError";

    /// <summary>An extension of the function exited.</summary>
    public const string ExtensionExitError = "Extension.ExitError";

    /// <summary>An extension of the function crashed.</summary>
    public const string ExtensionCrash = "Extension.Crash";

    /// <summary>An extension of the function could not be started.</summary>
    public const string ExtensionLaunchError = "Extension.LaunchError";
}
