using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LambdaStreaming.Aspire.Hosting;

/// <summary>Reports a server as healthy if all of its functions can be called.</summary>
internal sealed class FunctionsHealthCheck(LambdaStreamingServerResource resource) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var functions = resource.Functions.Values;
        var reasons = functions.Where(function => !function.IsReady)
            .Select(function => function.Failure ?? $"The function {function.Name} is not built yet.")
            .ToList();
        var result = reasons.Count == 0
            ? HealthCheckResult.Healthy($"{functions.Count()} functions are ready.")
            : HealthCheckResult.Unhealthy(string.Join('\n', reasons));
        return Task.FromResult(result);
    }
}
