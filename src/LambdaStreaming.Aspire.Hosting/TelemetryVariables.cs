namespace LambdaStreaming.Aspire.Hosting;

/// <summary>The variables of <c>WithOtlpExporter</c>, in which the orchestrator replaces two templates.</summary>
/// <remarks>The orchestrator does not start the processes of a function.</remarks>
internal static class TelemetryVariables
{
    private const string ServiceName = """{{- index .Annotations "otel-service-name" -}}""";
    private const string InstanceId = """{{- index .Annotations "otel-service-instance-id" -}}""";

    /// <summary>Replaces the name, and removes the attribute with the instance id.</summary>
    /// <remarks>All processes of a function have the same variables, so these cannot identify an instance.</remarks>
    public static string Resolve(string value, string name)
    {
        value = value.Replace(ServiceName, name, StringComparison.Ordinal);
        if (!value.Contains(InstanceId, StringComparison.Ordinal)) return value;
        var attributes = value.Split(',').Where(part => !part.Contains(InstanceId, StringComparison.Ordinal));
        return string.Join(',', attributes);
    }
}
