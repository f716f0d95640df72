using Amazon;

namespace LambdaStreaming.Configuration;

/// <summary>Where requests go: the endpoint's address, and the path of an invocation below it.</summary>
internal static class LambdaEndpoint
{
    /// <summary>The operation's path under the endpoint, with the function's name and qualifier percent-encoded.</summary>
    /// <remarks>Source: AWS Lambda API reference, InvokeWithResponseStream, Request syntax.</remarks>
    public static Uri CreateUrl(Uri endpoint, string functionName, string? qualifier)
    {
        // The name as it goes over the wire: the signature is of that.
        var ascii = endpoint.HostNameType == UriHostNameType.Dns && endpoint.Host != endpoint.IdnHost ? new UriBuilder(endpoint) { Host = endpoint.IdnHost }.Uri : endpoint;
        var prefix = ascii.GetLeftPart(UriPartial.Path).TrimEnd('/');
        var query = string.IsNullOrEmpty(qualifier) ? "" : $"?Qualifier={Uri.EscapeDataString(qualifier)}";
        return new Uri($"{prefix}/2021-11-15/functions/{Uri.EscapeDataString(functionName)}/response-streaming-invocations{query}");
    }

    /// <summary>AWS's own endpoint of a region. A region that this version has not heard of gets the address that its name implies.</summary>
    /// <remarks>Source: botocore 1.43.11, lambda/2015-03-31/endpoint-rule-set-1: <c>lambda[-fips].{region}.{dnsSuffix | dualStackDnsSuffix}</c>, in all partitions.</remarks>
    public static Uri Create(RegionEndpoint region, bool fips = false, bool dualStack = false) =>
        new($"https://lambda{(fips ? "-fips" : "")}.{region.SystemName}.{(dualStack ? GetDualStackSuffix(region) : region.PartitionDnsSuffix)}");

    // RegionEndpoint knows the suffix of the plain endpoints only. Source: botocore 1.43.11, partitions.json, outputs.dualStackDnsSuffix.
    private static string GetDualStackSuffix(RegionEndpoint region) => region.PartitionName switch
    {
        "aws" or "aws-us-gov" => "api.aws",
        "aws-cn" => "api.amazonwebservices.com.cn",
        "aws-eusc" => "api.amazonwebservices.eu",
        "aws-iso" => "api.aws.ic.gov",
        "aws-iso-b" => "api.aws.scloud",
        "aws-iso-e" => "api.cloud-aws.adc-e.uk",
        "aws-iso-f" => "api.aws.hci.ic.gov",
        _ => throw new LambdaConfigurationException($"The dual-stack endpoint of the partition {region.PartitionName} (region {region.SystemName}) is not known to this version. Set {nameof(LambdaStreamingClientOptions)}.{nameof(LambdaStreamingClientOptions.ServiceUrl)} to its address, and leave dual stack off."),
    };
}
