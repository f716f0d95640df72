namespace LambdaStreaming;

/// <summary>The known values of <see cref="InvokeComplete.ErrorCode"/> that Lambda itself sets.</summary>
/// <remarks>
/// Other values are possible: a function or its runtime can set any text. Treat an unknown value as an error of the
/// function. The meanings follow Lambda's open-source code. AWS does not document which value the live service sends in
/// each case.
/// </remarks>
public static class FunctionErrorCodes
{
    // Source: aws/aws-lambda-runtime-interface-emulator, directinvoke.go and fatalerror.go, and values that clients
    // have received.

    /// <summary>The function threw an exception, or its process exited.</summary>
    /// <remarks>
    /// Expect this value if a non-streaming handler throws. If a streaming handler throws, expect the type of the
    /// exception. <see cref="InvokeComplete.ErrorDetails"/> describes the error.
    /// </remarks>
    public const string Unhandled = "Unhandled";

    /// <summary>The process of the function exited before its response.</summary>
    /// <remarks>
    /// Expect <see cref="RuntimeTruncatedResponse"/> if the process exits during its response. Handle
    /// <see cref="Unhandled"/> as well: the service might report an exited process with that value.
    /// </remarks>
    public const string RuntimeExitError = "Runtime.ExitError";

    /// <summary>The runtime exited or lost its connection during the response, which is therefore incomplete.</summary>
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
    /// <remarks>
    /// If Lambda had already begun to send the response to the caller, expect <see cref="SandboxTimeout"/>. Handle both
    /// values: which one the live service sends has not been verified. <c>LocalLambdaServer</c> of the package
    /// LambdaStreaming.Testing always sends <c>Sandbox.Timedout</c>.
    /// </remarks>
    public const string SandboxTimedout = "Sandbox.Timedout";

    /// <summary>The function exceeded its timeout after Lambda had begun to send its response to the caller.</summary>
    public const string SandboxTimeout = "Sandbox.Timeout";

    /// <summary>The execution environment failed while Lambda sent the response to the caller.</summary>
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
