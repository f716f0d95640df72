using Amazon;

namespace LambdaStreaming.Configuration;

/// <summary>Creates the addresses of endpoints and of invocations.</summary>
internal static class LambdaEndpoint
{
    /// <summary>Creates the URL of an invocation, with function name and qualifier percent-encoded.</summary>
    /// <remarks>Source: AWS Lambda API reference, InvokeWithResponseStream, Request syntax.</remarks>
    public static Uri CreateUrl(Uri endpoint, string functionName, string? qualifier)
    {
        var prefix = WithIdnHost(endpoint).GetLeftPart(UriPartial.Path).TrimEnd('/');
        var name = Uri.EscapeDataString(functionName);
        var query = string.IsNullOrEmpty(qualifier) ? "" : $"?Qualifier={Uri.EscapeDataString(qualifier)}";
        return new Uri($"{prefix}/2021-11-15/functions/{name}/response-streaming-invocations{query}");
    }

    /// <summary>
    /// Creates the address of the AWS endpoint of a region, even if AWSSDK.Core does not know the region.
    /// </summary>
    /// <remarks>
    /// Source: botocore 1.43.11, lambda/2015-03-31/endpoint-rule-set-1:
    /// <c>lambda[-fips].{region}.{dnsSuffix | dualStackDnsSuffix}</c>, in all partitions.
    /// </remarks>
    public static Uri Create(RegionEndpoint region, bool fips = false, bool dualStack = false)
    {
        var service = fips ? "lambda-fips" : "lambda";
        var suffix = dualStack ? GetDualStackSuffix(region) : region.PartitionDnsSuffix;
        return new Uri($"https://{service}.{region.SystemName}.{suffix}");
    }

    // Converts an internationalized host name to punycode, which is sent and signed.
    private static Uri WithIdnHost(Uri endpoint) =>
        endpoint.HostNameType == UriHostNameType.Dns && endpoint.Host != endpoint.IdnHost
            ? new UriBuilder(endpoint) { Host = endpoint.IdnHost }.Uri
            : endpoint;

    // Hard-coded, because RegionEndpoint has only the suffix of the default endpoints.
    // Source: botocore 1.43.11, partitions.json, outputs.dualStackDnsSuffix.
    private static string GetDualStackSuffix(RegionEndpoint region) => region.PartitionName switch
    {
        "aws" or "aws-us-gov" => "api.aws",
        "aws-cn" => "api.amazonwebservices.com.cn",
        "aws-eusc" => "api.amazonwebservices.eu",
        "aws-iso" => "api.aws.ic.gov",
        "aws-iso-b" => "api.aws.scloud",
        "aws-iso-e" => "api.cloud-aws.adc-e.uk",
        "aws-iso-f" => "api.aws.hci.ic.gov",
        _ => throw ConfigurationErrors.CreateUnknownPartition(region),
    };
}
