namespace LambdaStreaming.Testing.Tests;

/// <summary>Calls that no server has received, for tests of the code that runs a function.</summary>
internal static class TestCall
{
    public static FunctionInvocation CreateInvocation() => new()
    {
        RequestId = "1",
        FunctionName = "f",
        ExecutedVersion = "$LATEST",
        InvocationType = "RequestResponse",
        LogType = "None",
        Headers = new Dictionary<string, string>(),
    };

    public static ReceivedRequest CreateRequest() => new()
    {
        RequestId = "1",
        Method = "POST",
        Target = "/",
        Headers = new Dictionary<string, string>(),
        ConnectionId = "1",
    };
}
