namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>The areas of the approved file, in its order.</summary>
internal static class MessageAreas
{
    public static IReadOnlyList<MessageArea> All { get; } =
    [
        ServiceErrorScenarios.Area,
        TransportScenarios.Area,
        ConfigurationScenarios.Area,
        CredentialsScenarios.Area,
        ResponseEndScenarios.Area,
        CorruptStreamScenarios.Area,
        PayloadScenarios.Area,
        CancellationScenarios.Area,
        UsageScenarios.Area,
        LogScenarios.Area,
    ];
}
