using Aspire.Hosting.ApplicationModel;

namespace LambdaStreaming.Aspire.Hosting;

/// <summary>The server whose functions a resource calls.</summary>
internal sealed record ServerReferenceAnnotation(LambdaStreamingServerResource Server) : IResourceAnnotation;
